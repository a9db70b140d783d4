//! Installing on a real file system, below a scratch root.
