// A minimal function that stores WeChat's pushes, with wechat-crypto and the AWS SDK for JavaScript v3.
//
// It speaks the Lambda Runtime API by itself, with Node's own HTTP client, which starts faster than Lambda's runtime. The push
// credentials come from environment variables, so it has no secret or binding to read.

import http from "node:http";
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { openPush } from "./push.js";

const { AWS_LAMBDA_RUNTIME_API, TABLE_NAME } = process.env;
const prefix = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const dynamodb = new DynamoDBClient({});

function request(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request(prefix + path, { method, agent }, async (answer) => {
      try {
        const parts = [];
        for await (const part of answer) parts.push(part);
        resolve({ headers: answer.headers, text: Buffer.concat(parts).toString() });
      } catch (error) {
        reject(error);
      }
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function handle(event) {
  const message = openPush(event.queryStringParameters, event.body);
  const Item = {
    pk: { S: `thread#${event.pathParameters.app_id}#${message.FromUserName}` },
    sk: { S: `message#${message.CreateTime}-${message.MsgId}` },
    type: { S: message.MsgType },
    content: { S: message.Content },
  };
  try {
    await dynamodb.send(new PutItemCommand({ TableName: TABLE_NAME, Item, ConditionExpression: "attribute_not_exists(pk)" }));
  } catch (error) {
    if (error.name !== "ConditionalCheckFailedException") throw error;
  }
  return { statusCode: 200, headers: { "content-type": "text/plain" }, body: "success" };
}

for (;;) {
  const { headers, text } = await request("GET", "next");
  const answer = await handle(JSON.parse(text));
  await request("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
}
