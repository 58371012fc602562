"""A minimal function that stores WeChat's pushes, with wechatpy and boto3.

It speaks the Lambda Runtime API by itself, with Python's own HTTP client, which starts faster than Lambda's runtime. The push
credentials come from environment variables, so it has no secret or binding to read.
"""

import http.client
import json
import os

import boto3
from botocore.exceptions import ClientError
from push import open_push

table = os.environ["TABLE_NAME"]
dynamodb = boto3.client("dynamodb")


def handle(event):
    message = open_push(event["queryStringParameters"], event["body"])
    item = {
        "pk": {"S": f"thread#{event['pathParameters']['app_id']}#{message.source}"},
        "sk": {"S": f"message#{message.time}-{message.id}"},
        "type": {"S": message.type},
        "content": {"S": message.content},
    }
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "success"}


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    prefix = "/2018-06-01/runtime/invocation/"
    while True:
        runtime.request("GET", f"{prefix}next")
        answer = runtime.getresponse()
        event = json.loads(answer.read())
        runtime.request("POST", f"{prefix}{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response", json.dumps(handle(event)))
        runtime.getresponse().read()


if __name__ == "__main__":
    main()
