"""Checks in the transformed template what the linters miss; prints what is wrong and exits with 1.

- every Ref, GetAtt, Sub, Condition and DependsOn names something that exists
- no resource waits for itself, by whatever detour
- no `*` in any action or resource of a policy, and each function has statements of its own
- every route of the contract is there, and every one under /api asks the authorizer

    python .ci/check_template.py [template]
"""

import re
import sys

from transform import transformed

# Method, path, whether the authorizer is asked.
ROUTES = {
    ("get", "/callback/{app_id}", False),
    ("post", "/callback/{app_id}", False),
    ("any", "/api/{proxy+}", True),
    ("post", "/api/conversations/{cid}/cards", True),
}
PLACEHOLDER = re.compile(r"\$\{(?!!)([^}]+)\}")


def references(value):
    """Yields (kind, name) for each reference in a value; kind is `value` or `condition`."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "Ref":
            yield "value", item
        elif key == "Fn::GetAtt":
            yield "value", item.split(".")[0] if isinstance(item, str) else item[0]
        elif key == "Fn::Sub":
            text, given = (item, {}) if isinstance(item, str) else item
            yield from references(given)
            for name in PLACEHOLDER.findall(text):
                if name not in given:
                    yield "value", name.split(".")[0]
        elif key == "Fn::If":
            yield "condition", item[0]
            yield from references(item[1:])
        elif key == "Condition" and isinstance(item, str):
            yield "condition", item
        elif key == "DependsOn":
            yield from (("value", name) for name in ([item] if isinstance(item, str) else item))
        else:
            yield from references(item)


def dangling(template):
    """References to nothing."""
    known = {
        "value": set(template["Resources"]) | set(template.get("Parameters", {})),
        "condition": set(template.get("Conditions", {})),
    }
    for section in ("Conditions", "Resources", "Outputs"):
        for where, value in template.get(section, {}).items():
            for kind, name in references(value):
                if not name.startswith("AWS::") and name not in known[kind]:
                    yield f"{section}.{where}: {kind} {name} does not exist"


def circles(template):
    """Resources that wait for themselves."""
    resources = template["Resources"]
    needs = {id_: {name for _, name in references(value) if name in resources} for id_, value in resources.items()}
    done = set()

    def walk(id_, path):
        if id_ in path:
            yield "circle: " + " -> ".join([*path[path.index(id_) :], id_])
        elif id_ not in done:
            for other in sorted(needs[id_]):
                yield from walk(other, [*path, id_])
            done.add(id_)

    for id_ in resources:
        yield from walk(id_, [])


def aslist(value):
    return value if isinstance(value, list) else [value]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def policies(template):
    """Statements that allow more than they name, and functions that have none."""
    resources = template["Resources"]
    for id_, role in resources.items():
        if role["Type"] != "AWS::IAM::Role":
            continue
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for key in ("Action", "Resource"):
                    if key not in statement:
                        yield f"{id_}: a statement without {key}"
                    for text in strings(statement.get(key)):
                        if "*" in text:
                            yield f"{id_}: {key} {text}"
                if {"NotAction", "NotResource"} & set(statement):
                    yield f"{id_}: a statement that lists what it leaves out"
    for id_, function in resources.items():
        if function["Type"] != "AWS::Lambda::Function":
            continue
        role = resources[function["Properties"]["Role"]["Fn::GetAtt"][0]]
        actions = [
            action
            for policy in role["Properties"].get("Policies", [])
            for statement in policy["PolicyDocument"]["Statement"]
            for action in aslist(statement["Action"])
        ]
        if not any(action.startswith("dynamodb:") for action in actions):
            yield f"{id_}: has no statement of its own"


def routes(template):
    """Routes that are missing, unknown, or open where they should be closed."""
    paths = template["Resources"]["HttpApi"]["Properties"]["Body"]["paths"]
    found = {
        ("any" if method.startswith("x-amazon-apigateway-any") else method, path, bool(route.get("security")))
        for path, methods in paths.items()
        for method, route in methods.items()
    }
    for method, path, closed in sorted(ROUTES - found):
        yield f"route {method} {path} ({'closed' if closed else 'open'}) is missing"
    for method, path, closed in sorted(found - ROUTES):
        yield f"route {method} {path} ({'closed' if closed else 'open'}) is not in the contract"


def main(*arguments):
    template = transformed(*arguments)
    wrong = [fault for check in (dangling, circles, policies, routes) for fault in check(template)]
    for fault in wrong:
        print(fault, file=sys.stderr)
    if not wrong:
        print(f"template: {len(template['Resources'])} resources, every reference and permission in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
