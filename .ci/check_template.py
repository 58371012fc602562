"""Checks in the transformed template what the linters miss; prints what is wrong and exits with 1.

- every Ref, GetAtt, Sub, Condition and DependsOn names something that exists
- no resource waits for itself, by whatever detour
- no `*` in any action or resource of a policy, and each function has statements of its own
- every route of the contract is there, and every one under /api but that of signing in asks the authorizer
- the WebSocket API has its three routes and a throttle
- every path parameter has a schema
- two stacks in one account have no physical name in common
- in the China regions no ARN is of another partition
- what a failed first deployment leaves behind, what is charged without need, and what a parameter accepts
- every alarm says what happened and what to do; every metric of the namespace Kefu is written by the code, and every function
  that reads a stream has an alarm on the age of its records

    python .ci/check_template.py [template]
"""

import re
import sys

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from transform import ROOT, transformed

# Method, path, whether the authorizer is asked.
ROUTES = {
    ("get", "/callback/{app_id}", False),
    ("post", "/callback/{app_id}", False),
    ("any", "/api/{proxy+}", True),
    ("post", "/api/sign-in", False),
    ("post", "/api/conversations/{cid}/cards", True),
    ("get", "/", False),
    ("get", "/{proxy+}", False),
}
WEB_SOCKET_ROUTES = {"$connect", "$disconnect", "$default"}
# The id of a connection is not known beforehand; API, stage and method are.
ANY_CONNECTION = re.compile(r"/realtime/(POST|DELETE)/@connections/\*$")
# Nor is the name of an object; its bucket is.
ANY_OBJECT = re.compile(r"^\$\{\w+\.Arn\}/\*$")
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
                        if "*" in ANY_OBJECT.sub("", ANY_CONNECTION.sub("", text)):
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
        has_own = any(action.startswith(("dynamodb:", "sqs:")) for action in actions)
        if not has_own:
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


def web_socket(template):
    """Routes of the WebSocket API that are missing or unknown, and what its stage lacks."""
    resources = template["Resources"].values()
    found = {resource["Properties"]["RouteKey"] for resource in resources if resource["Type"] == "AWS::ApiGatewayV2::Route"}
    for key in sorted(WEB_SOCKET_ROUTES ^ found):
        yield f"route {key} of the WebSocket API is missing or not in the contract"
    stage = template["Resources"]["RealtimeStage"]["Properties"]
    if "ThrottlingRateLimit" not in stage.get("DefaultRouteSettings", {}):
        yield "RealtimeStage: has no throttle"
    if "AccessLogSettings" in stage:
        yield "RealtimeStage: an access log needs a role in the account's settings of API Gateway"
    name = stage["StageName"]
    for resource in resources:
        variables = resource["Properties"].get("Environment", {}).get("Variables", {}) if resource["Type"] == "AWS::Lambda::Function" else {}
        for variable in ("REALTIME_URL", "CONNECTIONS_URL"):
            if variable in variables and not variables[variable]["Fn::Sub"].endswith(f"/{name}"):
                yield f"{variable} does not lead to the stage {name}"


def schemas(template):
    """Path parameters that API Gateway's import warns about."""
    for path, methods in template["Resources"]["HttpApi"]["Properties"]["Body"]["paths"].items():
        for method, route in methods.items():
            described = {parameter["name"] for parameter in route.get("parameters", []) if "schema" in parameter}
            for name in set(re.findall(r"{([^}]+)}", path)) - described:
                yield f"route {method} {path}: parameter {name} has no schema"


def resolve(value, template, stack):
    """The text of a property in a stack of this name; a reference to a resource is the stack's own."""
    if isinstance(value, list):
        return [resolve(item, template, stack) for item in value]
    if not isinstance(value, dict):
        return str(value)
    if set(value) == {"Ref"}:
        name = value["Ref"]
        if name == "AWS::StackName":
            return stack
        if name in template["Resources"]:
            return f"{stack}/{name}"
        return str(template.get("Parameters", {}).get(name, {}).get("Default", name))
    if set(value) == {"Fn::GetAtt"}:
        return f"{stack}/{value['Fn::GetAtt']}"
    if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        return PLACEHOLDER.sub(lambda match: resolve({"Ref": match.group(1)}, template, stack), value["Fn::Sub"])
    return {key: resolve(item, template, stack) for key, item in value.items()}


def physical_names(template, stack):
    """The names of resources that the template chooses itself, as (type, names)."""
    for resource in template["Resources"].values():
        kind, properties = resource["Type"], resource.get("Properties", {})
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        # What identifies a resource of this type, where the template gives all of it.
        identifiers = [[path.removeprefix("/properties/") for path in schema["primaryIdentifier"]]]
        # Names that are unique in an account without being the identifier, as QueueName.
        identifiers += [[name] for name in ("Name", kind.rsplit("::", 1)[1] + "Name") if name not in identifiers[0]]
        for names in identifiers:
            if all(name in properties for name in names):
                yield kind, str([resolve(properties[name], template, stack) for name in names])


def names(template):
    """Physical names that a second stack in the account would choose as well."""
    for kind, name in sorted(set(physical_names(template, "one")) & set(physical_names(template, "two"))):
        yield f"{kind}: every stack would choose the name {name}"


def partitions(path):
    """ARNs that do not exist in the China regions."""
    template = transformed(path, "cn-north-1")
    for id_, resource in template["Resources"].items():
        for text in strings(resource):
            if "arn:aws:" in text:
                yield f"{id_}: {text} in a China region"


def settings(template):
    """Properties whose value prevents a deployment or a second one, or costs money without need."""
    resources = template["Resources"]
    if resources["HttpApi"]["Properties"].get("FailOnWarnings"):
        yield "HttpApi: FailOnWarnings, although API Gateway warns about what SAM writes"
    for id_ in ("Table", "Pictures", "MasterSecret"):
        policies = (resources[id_].get("DeletionPolicy"), resources[id_].get("UpdateReplacePolicy"))
        if policies != ("RetainExceptOnCreate", "Retain"):
            yield f"{id_}: DeletionPolicy and UpdateReplacePolicy are {policies}"
    public = resources["Pictures"]["Properties"].get("PublicAccessBlockConfiguration", {})
    if len(public) != 4 or not all(public.values()):
        yield "Pictures: may be public"
    # A protected table cannot be deleted, so RetainExceptOnCreate would end in ROLLBACK_FAILED.
    if template["Parameters"]["DeletionProtection"]["Default"] != "false":
        yield "DeletionProtection: is on during the first deployment"
    if "SSESpecification" in resources["Table"]["Properties"]:
        yield "Table: SSESpecification chooses a KMS key, which is charged"
    url = re.compile(template["Parameters"]["WeChatApiUrl"]["AllowedPattern"])
    if url.search("http://api.weixin.qq.com") or not url.search(template["Parameters"]["WeChatApiUrl"]["Default"]):
        yield "WeChatApiUrl: accepts http, or not its default"
    stage = resources["HttpApiApiGatewayDefaultStage"]["Properties"]
    if "ThrottlingRateLimit" not in stage.get("RouteSettings", {}).get("POST /callback/{app_id}", {}):
        yield "HttpApi: the callback has no throttle of its own"
    log = stage["AccessLogSettings"]["Format"]
    if re.search(r'(?<!")\$context\.[\w.]+(?!["\w.])', log) or "messageString" in log:
        yield "HttpApi: an access log entry is not JSON where a value is missing or has quotes of its own"


def alarms(template):
    """Finds alarms without a use, and resources without an alarm."""
    resources = template["Resources"]
    code = "".join(path.read_text(encoding="utf-8") for folder in ("functions", "shared") for path in (ROOT / folder).rglob("src/**/*.rs"))
    aged = set()
    for id_, alarm in resources.items():
        if alarm["Type"] != "AWS::CloudWatch::Alarm":
            continue
        alarm = alarm["Properties"]
        if len(alarm.get("AlarmDescription", "")) < 80:
            yield f"{id_}: does not say what to do"
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible":
            yield f"{id_}: stays on until the queue is emptied"
        if alarm.get("MetricName") == "IteratorAge":
            aged |= {dimension["Value"]["Ref"] for dimension in alarm["Dimensions"]}
        metric = alarm["MetricName"] if alarm.get("Namespace") == "Kefu" else None
        if metric and (f'"{metric}"' not in code or f"{metric} = 1" not in code):
            yield f"{id_}: no function counts {metric}"
    # What an idle deployment costs, as the documentation states it.
    watched = [alarm["Properties"] for alarm in resources.values() if alarm["Type"] == "AWS::CloudWatch::Alarm"]
    count = sum(sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1 for alarm in watched)
    stated = f"{count} alarm metrics at $0.10 (AWS's free tier has ten) | ${count / 10:.2f} |"
    if stated not in (ROOT / "docs/operations.md").read_text(encoding="utf-8"):
        yield f"docs/operations.md does not say: {stated}"
    for id_, mapping in resources.items():
        if mapping["Type"] == "AWS::Lambda::EventSourceMapping" and "StartingPosition" in mapping["Properties"]:
            function = mapping["Properties"]["FunctionName"]["Ref"]
            if function not in aged:
                yield f"{id_}: no alarm on the age of the records of {function}"


def report(wrong, summary):
    """Prints what is wrong, or else the summary, and returns the exit code."""
    for fault in wrong:
        print(fault, file=sys.stderr)
    if not wrong:
        print(summary)
    return 1 if wrong else 0


def main(path=ROOT / "template.yaml"):
    template = transformed(path)
    checks = (dangling, circles, policies, routes, web_socket, schemas, names, settings, alarms)
    wrong = [fault for check in checks for fault in check(template)]
    wrong.extend(partitions(path))
    return report(wrong, f"template: {len(template['Resources'])} resources, every reference and permission in order")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
