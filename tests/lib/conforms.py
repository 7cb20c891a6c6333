"""conforms.py SCHEMA FILE...: whether every line of the files is valid JSON under the schema."""
import json
import sys

import jsonschema

validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
lines = 0
for name in sys.argv[2:]:
    text = open(name, encoding="utf-8").read()
    if not text.endswith("\n"):
        sys.exit(f"{name}: its last line has no end")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        for error in validator.iter_errors(json.loads(line)):
            sys.exit(f"{name}:{number}: {error.message}\n{line[:2000]}")
        lines += 1
if not lines:
    sys.exit("there is no line")
