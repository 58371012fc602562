"""Compares the permissions that the functions used during the tests with their statements in template.yaml.

`local` enforces the statements and records every request of a function to the file named by KEFU_RECORD_PERMISSIONS. With the
record of all tests of `tests/it`, this finds

- a request that a statement refused: the function lacks a permission
- an action, an index or a key that a statement allows and no test used: the permission is superfluous, or a test is missing

A statement allows each of its actions on each of its keys. It is in order when every action was used with one of the keys, and
every key with one of the actions; statements for writing therefore name one action each.

    python .ci/check_permissions.py RECORD [template]
"""

import fnmatch
import json
import pathlib
import re
import sys

from check_template import aslist, report
from transform import ROOT, transformed

# The services whose requests are recorded.
SERVICES = ("dynamodb", "s3", "secretsmanager", "sqs")

# What only functions of an earlier version use, which run beside those of this version during a deployment: they write an item for
# each conversation of an agent.
EARLIER_VERSIONS = {("Reception", "dynamodb:PutItem", "agent#*"), ("Robot", "dynamodb:PutItem", "agent#*")}


def recorded(path):
    """The requests as (function, action, resource, key, allowed)."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    requests = [json.loads(line) for line in sorted(set(lines))]
    return [(r["function"], r["action"], place(r["resource"]), r["key"], r["allowed"]) for r in requests]


def place(arn):
    """What is accessed: `table`, `index/due`, `secret`, `pictures`, or a queue by its logical id."""
    if isinstance(arn, dict):
        arn = json.dumps(arn)
    if "Pictures." in arn or ":s3:::" in arn:
        return "pictures"
    queue = re.search(r':sqs:.*:kefu-(\w+)$|"Fn::GetAtt": \[?"(?!Table\b)(\w+)', arn)
    if queue:
        return queue[1] or queue[2]
    if "/index/" in arn:
        return "index/" + arn.split("/index/")[1].split('"')[0]
    return "secret" if "Secret" in arn or ":secret:" in arn else "table"


def statements(template):
    """The statements of each function as (function, actions, places, keys); a statement without keys allows all of them."""
    resources = template["Resources"]
    for function, resource in resources.items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        role = resources[resource["Properties"]["Role"]["Fn::GetAtt"][0]]
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if all("DeadLetters" in place(arn) for arn in aslist(statement["Resource"])):
                    continue  # Lambda sends to them, not the function
                actions = [action for action in aslist(statement["Action"]) if action.split(":")[0] in SERVICES]
                condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
                keys = aslist(condition.get("dynamodb:LeadingKeys", ["*"]))
                if actions:
                    yield function, actions, {place(arn) for arn in aslist(statement["Resource"])}, keys


def check(record, template):
    """Yields what is wrong."""
    for function, action, where, key, allowed in record:
        if not allowed:
            yield f"{function} was refused {action} on {where} with the key {key or '(none)'}"
    for function, actions, places, keys in statements(template):
        used = [
            (action, where, key)
            for name, action, where, key, allowed in record
            if name == function and allowed and action in actions and where in places
            and any(fnmatch.fnmatchcase(key, pattern) for pattern in keys)
        ]
        for action in actions:
            if not any(action == other for other, _, _ in used):
                yield f"{function} never used {action} on {sorted(places)} with {keys}"
        for where in sorted(places):
            if not any(where == other for _, other, _ in used):
                yield f"{function} never used {actions} on {where}"
        for pattern in keys:
            if all((function, action, pattern) in EARLIER_VERSIONS for action in actions):
                continue
            if not any(fnmatch.fnmatchcase(key, pattern) for _, _, key in used):
                yield f"{function} never used {actions} with the key {pattern}"
        if keys == ["*"] and any(action.startswith("dynamodb:") for action in actions):
            seen = sorted({key for _, _, key in used})
            yield f"{function} may use {actions} on {sorted(places)} with every key; it used {seen}"


def main(record, template=ROOT / "template.yaml"):
    requests = recorded(record)
    wrong = list(check(requests, transformed(template)))
    return report(wrong, f"permissions: {len(requests)} kinds of requests, every one allowed and every permission used")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:3]))
