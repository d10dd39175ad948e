"""RabbitMQ's definitions document: users, permissions and the virtual host, with password hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping


def password_hash(password: str, user: str, salt_key: str) -> str:
    """RabbitMQ's salted SHA-256 of a password, as base64 (https://www.rabbitmq.com/docs/passwords).

    The salt comes from the user's name and a secret key rather than from chance, so that rendering the document
    again gives the same bytes.
    """
    salt = hmac.digest(salt_key.encode(), user.encode(), "sha256")[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def document(users: Iterable[Mapping], salt_key: str) -> dict:
    """The definitions of a cluster with the one virtual host `/` and these users.

    Args:
        users: `name`, `password`, `configure`, `write`, `read`, and `tags` if it has any.
        salt_key: A secret of the cluster, see `password_hash`.
    """
    users = list(users)
    return {
        "users": [
            {
                "name": user["name"],
                "password_hash": password_hash(user["password"], user["name"], salt_key),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": user.get("tags", []),
            }
            for user in users
        ],
        "vhosts": [{"name": "/", "metadata": {"default_queue_type": "quorum"}}],
        "permissions": [
            {"user": user["name"], "vhost": "/", **{kind: user[kind] for kind in ("configure", "write", "read")}}
            for user in users
        ],
    }
