"""Breaks the template once for each check of check_template.py and expects the check to name the fault.

    python -m unittest discover --start-directory .ci
"""

import copy
import json
import pathlib
import tempfile
import unittest

import check_template
from transform import transformed

TEMPLATE = transformed()


def broken(*path, value=None, remove=False):
    """A copy of the transformed template in which one value is changed or removed."""
    template = copy.deepcopy(TEMPLATE)
    *parents, last = path
    place = template
    for key in parents:
        place = place[key]
    if remove:
        del place[last]
    else:
        place[last] = value
    return template


def resource(id_, *path, **change):
    return broken("Resources", id_, *path, **change)


def role_of(function):
    return TEMPLATE["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]


def statement(*path, **change):
    """The template with a change in the first statement of message-ingress."""
    return resource(role_of("MessageIngress"), "Properties", "Policies", 0, "PolicyDocument", "Statement", 0, *path, **change)


def with_resource(id_, kind, properties):
    return resource(id_, value={"Type": kind, "Properties": properties})


def with_route(path, method, route):
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["HttpApi"]["Properties"]["Body"]["paths"].setdefault(path, {})[method] = route
    return template


ALARM = "MessageIngressErrorsAlarm"
STAGE = "HttpApiApiGatewayDefaultStage"
PATHS = ("HttpApi", "Properties", "Body", "paths")
PARAMETER = [{"name": "app_id", "in": "path", "required": True}]

# Check, template, a part of the fault's text.
FAULTS = {
    "reference_to_nothing": (
        check_template.dangling,
        resource(STAGE, "Properties", "ApiId", value={"Ref": "Absent"}),
        "value Absent does not exist",
    ),
    "attribute_of_nothing": (
        check_template.dangling,
        resource(STAGE, "Properties", "ApiId", value={"Fn::GetAtt": "Absent.Arn"}),
        "value Absent does not exist",
    ),
    "placeholder_of_nothing": (
        check_template.dangling,
        resource(STAGE, "Properties", "ApiId", value={"Fn::Sub": "${Absent}-api"}),
        "value Absent does not exist",
    ),
    "condition_that_does_not_exist": (
        check_template.dangling,
        resource(STAGE, "Properties", "ApiId", value={"Fn::If": ["Absent", "a", "b"]}),
        "condition Absent does not exist",
    ),
    "dependency_on_nothing": (
        check_template.dangling,
        resource("Table", "DependsOn", value=["Absent"]),
        "value Absent does not exist",
    ),
    "resources_that_wait_for_each_other": (
        check_template.circles,
        resource("Table", "DependsOn", value="MessageIngress"),
        "circle: ",
    ),
    "action_with_a_wildcard": (check_template.policies, statement("Action", value=["dynamodb:*"]), "Action dynamodb:*"),
    "any_resource": (check_template.policies, statement("Resource", value="*"), "Resource *"),
    "statement_without_resource": (check_template.policies, statement("Resource", remove=True), "without Resource"),
    "statement_of_all_but": (check_template.policies, statement("NotAction", value="dynamodb:Scan"), "what it leaves out"),
    "function_without_statement": (
        check_template.policies,
        resource(role_of("MessageIngress"), "Properties", "Policies", value=[]),
        "MessageIngress: has no statement of its own",
    ),
    "route_that_is_missing": (
        check_template.routes,
        broken("Resources", *PATHS, "/callback/{app_id}", "post", remove=True),
        "route post /callback/{app_id} (open) is missing",
    ),
    "route_outside_the_contract": (
        check_template.routes,
        with_route("/debug", "get", {}),
        "route get /debug (open) is not in the contract",
    ),
    "api_without_authorizer": (
        check_template.routes,
        broken("Resources", *PATHS, "/api/{proxy+}", "x-amazon-apigateway-any-method", "security", remove=True),
        "(open) is not in the contract",
    ),
    "web_socket_route_that_is_missing": (
        check_template.web_socket,
        resource("RealtimeDisconnect", remove=True),
        "route $disconnect of the WebSocket API is missing",
    ),
    "web_socket_stage_without_throttle": (
        check_template.web_socket,
        resource("RealtimeStage", "Properties", "DefaultRouteSettings", remove=True),
        "RealtimeStage: has no throttle",
    ),
    "web_socket_stage_with_an_access_log": (
        check_template.web_socket,
        resource("RealtimeStage", "Properties", "AccessLogSettings", value={}),
        "RealtimeStage: an access log",
    ),
    "address_of_another_stage": (
        check_template.web_socket,
        resource("RealtimeStage", "Properties", "StageName", value="live"),
        "CONNECTIONS_URL does not lead to the stage live",
    ),
    "connections_of_every_stage": (
        check_template.policies,
        statement("Resource", value={"Fn::Sub": "arn:aws:execute-api:r:a:${RealtimeApi}/*/POST/@connections/*"}),
        "Resource arn:aws:execute-api",
    ),
    "path_parameter_without_schema": (
        check_template.schemas,
        with_route("/callback/{app_id}", "get", {"parameters": PARAMETER}),
        "parameter app_id has no schema",
    ),
    "path_parameter_that_is_not_described": (
        check_template.schemas,
        with_route("/callback/{app_id}", "get", {}),
        "parameter app_id has no schema",
    ),
    "fixed_name_of_a_queue": (
        check_template.names,
        with_resource("Fixed", "AWS::SQS::Queue", {"QueueName": "kefu"}),
        "AWS::SQS::Queue: every stack would choose the name ['kefu']",
    ),
    "fixed_name_of_a_schedule": (
        check_template.names,
        with_resource("Fixed", "AWS::Scheduler::Schedule", {"Name": "minute", "ScheduleExpression": "rate(1 minute)"}),
        "AWS::Scheduler::Schedule: every stack would choose the name ['minute']",
    ),
    "fixed_name_of_the_secret": (
        check_template.names,
        resource("MasterSecret", "Properties", "Name", value="kefu-master"),
        "AWS::SecretsManager::Secret: every stack",
    ),
    "import_that_fails_on_warnings": (
        check_template.settings,
        resource("HttpApi", "Properties", "FailOnWarnings", value=True),
        "FailOnWarnings",
    ),
    "table_that_a_failed_deployment_leaves_behind": (
        check_template.settings,
        resource("Table", "DeletionPolicy", value="Retain"),
        "Table: DeletionPolicy",
    ),
    "secret_that_an_uninstall_deletes": (
        check_template.settings,
        resource("MasterSecret", "DeletionPolicy", value="Delete"),
        "MasterSecret: DeletionPolicy",
    ),
    "protected_table_in_the_first_deployment": (
        check_template.settings,
        broken("Parameters", "DeletionProtection", "Default", value="true"),
        "DeletionProtection",
    ),
    "key_that_is_charged": (
        check_template.settings,
        resource("Table", "Properties", "SSESpecification", value={"SSEEnabled": True}),
        "SSESpecification",
    ),
    "wechat_without_tls": (
        check_template.settings,
        broken("Parameters", "WeChatApiUrl", "AllowedPattern", value="^https?://.+"),
        "WeChatApiUrl",
    ),
    "callback_throttled_with_the_api": (
        check_template.settings,
        resource(STAGE, "Properties", "RouteSettings", remove=True),
        "no throttle of its own",
    ),
    "access_log_with_a_bare_value": (
        check_template.settings,
        resource(STAGE, "Properties", "AccessLogSettings", "Format", value='{"latency":$context.responseLatency}'),
        "is not JSON",
    ),
    "access_log_with_quotes_in_a_message": (
        check_template.settings,
        resource(STAGE, "Properties", "AccessLogSettings", "Format", value='{"error":$context.error.messageString}'),
        "is not JSON",
    ),
    "alarm_that_does_not_say_what_to_do": (
        check_template.alarms,
        resource(ALARM, "Properties", "AlarmDescription", value="Errors."),
        f"{ALARM}: does not say what to do",
    ),
    "alarm_that_stays_on": (
        check_template.alarms,
        resource(ALARM, "Properties", "MetricName", value="ApproximateNumberOfMessagesVisible"),
        f"{ALARM}: stays on",
    ),
    "alarm_on_a_metric_that_no_function_writes": (
        check_template.alarms,
        resource("PushesNotStoredAlarm", "Properties", "MetricName", value="PushesLost"),
        "no function counts PushesLost",
    ),
    "stream_without_an_alarm_on_its_age": (
        check_template.alarms,
        resource("ReceptionAgeAlarm", "Properties", "MetricName", value="Invocations"),
        "no alarm on the age of the records of Reception",
    ),
    "alarm_without_its_cost": (check_template.alarms, resource("ThrottlesAlarm", remove=True), "docs/operations.md does not say"),
}


class Faults(unittest.TestCase):
    def test_template_has_no_fault(self):
        for check in {check for check, _, _ in FAULTS.values()}:
            self.assertEqual(list(check(TEMPLATE)), [], check.__name__)
        self.assertEqual(list(check_template.partitions(check_template.ROOT / "template.yaml")), [])

    def test_arn_of_another_partition_is_reported(self):
        text = (check_template.ROOT / "template.yaml").read_text(encoding="utf-8")
        text = text.replace("SECRET_ARN: !Ref MasterSecret", "SECRET_ARN: arn:aws:secretsmanager:us-east-1:1:secret:s")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "template.yaml")
            path.write_text(text.replace("arn:${AWS::Partition}:", "arn:aws:"), encoding="utf-8")
            faults = list(check_template.partitions(path))
        self.assertTrue(any("in a China region" in fault for fault in faults), json.dumps(faults, indent=1))


def test_of(check, template, text):
    def test(self):
        faults = list(check(template))
        self.assertTrue(any(text in fault for fault in faults), json.dumps(faults, indent=1))

    return test


for name, fault in FAULTS.items():
    setattr(Faults, f"test_{name}_is_reported", test_of(*fault))

if __name__ == "__main__":
    unittest.main()
