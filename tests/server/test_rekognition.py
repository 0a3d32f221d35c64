"""Amazon's own client, pointed at the server."""

import boto3
import pytest
from botocore.exceptions import ClientError

ARN = "arn:aws:rekognition:eu-central-1:123456789012:project/shapes/version/shapes.2024-01-01/1700000000000"


@pytest.fixture
def rekognition(served, taught):
    client = boto3.client(
        "rekognition", endpoint_url=f"{served.address}/rekognition", region_name="local",
        aws_access_key_id=taught._key, aws_secret_access_key="-",
    )  # fmt: skip
    yield client
    client.close()


def test_custom_labels_are_those_of_look(rekognition, taught, new_picture):
    data = (new_picture / "square" / "square 101.png").read_bytes()
    told = rekognition.detect_custom_labels(ProjectVersionArn=ARN, Image={"Bytes": data}, MinConfidence=0)
    shares = taught.look("shapes", data)["probabilities"]
    assert {one["Name"]: one["Confidence"] for one in told["CustomLabels"]} == pytest.approx(
        {label: 100 * share for label, share in shares.items()}
    )
    confidences = [one["Confidence"] for one in told["CustomLabels"]]
    assert confidences == sorted(confidences, reverse=True)
    few = rekognition.detect_custom_labels(ProjectVersionArn=ARN, Image={"Bytes": data}, MinConfidence=0, MaxResults=1)
    assert few["CustomLabels"] == told["CustomLabels"][:1]
    sure = rekognition.detect_custom_labels(ProjectVersionArn=ARN, Image={"Bytes": data}, MinConfidence=100)
    assert sure["CustomLabels"] == [one for one in told["CustomLabels"] if one["Confidence"] >= 100]


def test_projects_and_versions(rekognition):
    projects = rekognition.describe_projects()["ProjectDescriptions"]
    mine = next(one for one in projects if "/shapes/" in one["ProjectArn"])
    version = rekognition.describe_project_versions(ProjectArn=mine["ProjectArn"])["ProjectVersionDescriptions"][0]
    assert version["Status"] == "RUNNING" and 0 < version["EvaluationResult"]["F1Score"] <= 1
    started = rekognition.start_project_version(ProjectVersionArn=version["ProjectVersionArn"], MinInferenceUnits=1)
    assert started["Status"] == "RUNNING"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Image": {"Bytes": b"no picture"}}, "InvalidImageFormatException"),
        ({"Image": {"S3Object": {"Bucket": "bucket", "Name": "a.jpg"}}}, "InvalidParameterException"),
        ({"ProjectVersionArn": ARN.replace("shapes", "nothing")}, "ResourceNotFoundException"),
        ({"MinConfidence": 101}, "InvalidParameterException"),
    ],
)
def test_refusals_are_amazons(rekognition, new_picture, change, code):
    data = (new_picture / "disc" / "disc 101.png").read_bytes()
    given = {"ProjectVersionArn": ARN, "Image": {"Bytes": data}, **change}
    with pytest.raises(ClientError) as refused:
        rekognition.detect_custom_labels(**given)
    assert refused.value.response["Error"]["Code"] == code


def test_operations_that_do_not_exist_here_say_so(rekognition):
    with pytest.raises(ClientError, match="DetectCustomLabels") as refused:
        rekognition.list_collections()
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_key_that_may_not_look_is_refused(served, taught, new_picture):
    client = boto3.client(
        "rekognition", endpoint_url=f"{served.address}/rekognition", region_name="local",
        aws_access_key_id=served.key("read"), aws_secret_access_key="-",
    )  # fmt: skip
    data = (new_picture / "disc" / "disc 101.png").read_bytes()
    with pytest.raises(ClientError) as refused:
        client.detect_custom_labels(ProjectVersionArn=ARN, Image={"Bytes": data})
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    client.close()
