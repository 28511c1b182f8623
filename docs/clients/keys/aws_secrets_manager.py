"""The key from AWS Secrets Manager: needs `pip install requests boto3`.

    aws secretsmanager create-secret --name torvus/api-key --secret-string file://key.txt

boto3 finds credentials and region as always: the role of the machine or task, AWS_PROFILE, AWS_DEFAULT_REGION.
All the role needs is secretsmanager:GetSecretValue for this one secret.
"""

import os

import boto3
import account

SECRET_ID = os.environ.get("TORVUS_SECRET_ID", "torvus/api-key")


def api_key():
    """Asks for the current version. Call it at the start, and again after a 401: the key may have been changed."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET_ID)
    return secret["SecretString"].strip()


if __name__ == "__main__":
    account.show(api_key())
