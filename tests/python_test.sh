#!/bin/sh
# Runs a Python test with Debian's Python, which has jsonschema.
exec /usr/bin/python3 -B "$@"
