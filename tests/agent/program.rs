//! The program around the agent.
