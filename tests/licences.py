"""Every dependency has a licence that goes with Apache-2.0, comes from the registry, and is locked.

Advisories need a database that is fetched from the network; where `cargo audit` and its database are at hand, run it too.
"""

import json
import subprocess
import sys

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}

EXCEPTIONS = {
    # Linked unchanged, its file-level copyleft asks nothing of us; `directories` depends on it.
    "option-ext": "MPL-2.0",
    # Linked unchanged, too: what finds rows by a few letters.
    "nucleo-matcher": "MPL-2.0",
    # As permissive as MIT, in plain words; the AWS SDK reads and writes CBOR with it.
    "minicbor": "BlueOak-1.0.0",
    # A list of certificates that TLS needs on Android alone; on Linux it is locked, and never built.
    "webpki-root-certs": "CDLA-Permissive-2.0",
}


def satisfied(expression: str) -> bool:
    """An SPDX expression of AND, OR and parentheses, with or without the old slash."""
    tokens = expression.replace("/", " OR ").replace("(", " ( ").replace(")", " ) ").split()
    position = 0

    def alternative() -> bool:
        nonlocal position
        value = conjunction()
        while position < len(tokens) and tokens[position] == "OR":
            position += 1
            value = conjunction() or value
        return value

    def conjunction() -> bool:
        nonlocal position
        value = single()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            value = single() and value
        return value

    def single() -> bool:
        nonlocal position
        token = tokens[position]
        position += 1
        if token == "(":
            value = alternative()
            position += 1
            return value
        if position < len(tokens) and tokens[position] == "WITH":
            token = f"{token} WITH {tokens[position + 1]}"
            position += 2
        return token in ALLOWED

    return alternative()


assert satisfied("MIT OR GPL-3.0") and not satisfied("MIT AND GPL-3.0") and satisfied("(MIT OR X) AND ISC")

metadata = json.loads(
    subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"],
        check=True, capture_output=True, text=True,
    ).stdout
)
wrong = []
for package in metadata["packages"]:
    name = f"{package['name']} {package['version']}"
    if package["source"] is None and package["name"] == "cutover":
        continue
    if not (package["source"] or "").startswith("registry+"):
        wrong.append(f"{name}: comes from {package['source']}, not from the registry")
    if EXCEPTIONS.get(package["name"]) == package["license"]:
        continue
    if not satisfied(package["license"] or "none"):
        wrong.append(f"{name}: licence {package['license']}")
for line in wrong:
    print(line)
print(f"{len(metadata['packages'])} packages, {len(wrong)} not as they should be")
sys.exit(1 if wrong else 0)
