"""Prints template.yaml as CloudFormation sees it after the SAM transform, as JSON.

Needs neither credentials nor network: the ARNs of managed policies, which the transform would ask IAM for, are written out here.

    python .ci/transform.py [template [region]] > transformed.json
"""

import json
import os
import pathlib
import sys

# boto3 wants a region even where nothing is called.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.arn_generator import ArnGenerator
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent


class ManagedPolicies(dict):
    """Every name is a policy of AWS's: service roles under their path, the rest at the root."""

    def __init__(self, partition):
        super().__init__()
        self.partition = partition

    def __contains__(self, name):
        return True

    def get(self, name, default=None):
        return self[name]

    def __missing__(self, name):
        path = "service-role/" if name.startswith("AWSLambda") else ""
        return f"arn:{self.partition}:iam::aws:policy/{path}{name}"


class Loader:
    """Stands where the transform keeps its connection to IAM."""

    def __init__(self, region):
        self.partition = "aws-cn" if region.startswith("cn-") else "aws"

    def load(self):
        return ManagedPolicies(self.partition)


def transformed(path=ROOT / "template.yaml", region="us-east-1"):
    """The template, transformed in a region, as a dictionary."""
    # The transform takes the partition from this region.
    ArnGenerator.BOTO_SESSION_REGION_NAME = region
    template = yaml_parse(pathlib.Path(path).read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam package` puts the place of the uploaded code here; a folder is not a value that the transform takes.
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "code.zip"}
    return transform(template, {}, Loader(region))


if __name__ == "__main__":
    json.dump(transformed(*sys.argv[1:3]), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
