"""A broker that asks everybody who they are, and lets each do what its access control lists say.

Clients come by SASL_SSL (PLAIN, SCRAM, OAUTHBEARER with unsigned tokens) or, at a second port, by a
certificate. The broker itself works as ANONYMOUS at ports that no client is told of.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from prorata.permissions import Permission, permissions
from publishing.clients import Broker, SecuredBroker, to
from scripts.servers.authority import Authority, password_of

ADMIN: Final = "admin"
"""The user that may do anything at the broker."""

WORKS_AS: Final[Mapping[str, Sequence[str]]] = {
    "topics": ("topics",),
    "relay": ("topics", "relay"),  # it makes topics that lack, as in docker-compose.yml
    "consumer": ("consume:entitlement_cache", "consume:finance_ledger", "consume:webhooks", "archive"),
    "owner": ("consume:entitlement_cache", "consume:finance_ledger", "consume:webhooks"),
    "reader": ("status",),
    "monitor": ("metrics",),
    "subscriber": ("subscriber",),
    "service": (),
    "projector": (),
}
"""User at the broker → the processes that it is for, by their names in `prorata.permissions`."""

_SECURITY: Final = "org.apache.kafka.common.security"
_OPERATIONS: Final = {"DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS}


_ANY: Final = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def settings_for(authority: Authority, ports: Mapping[str, int]) -> dict[str, str]:
    """The settings of such a broker, which `server.properties` lacks. `ports`: of its listeners SECURED,
    CERTIFIED, INTERNAL and CONTROLLER."""
    users = " ".join(f'user_{name}="{password}"' for name, password in authority.passwords.items())
    modules = {
        "plain": f"plain.PlainLoginModule required {users}",
        "scram-sha-256": "scram.ScramLoginModule required",
        "scram-sha-512": "scram.ScramLoginModule required",
        "oauthbearer": 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"',
    }
    listeners = {name: f"{name}://127.0.0.1:{port}" for name, port in ports.items()}
    kinds = "SECURED:SASL_SSL,CERTIFIED:SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
    return {
        "listeners": ",".join(listeners.values()),
        "advertised.listeners": ",".join(listeners[name] for name in ports if name != "CONTROLLER"),
        "listener.security.protocol.map": kinds,
        "inter.broker.listener.name": "INTERNAL",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.ca),
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
        "listener.name.certified.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
        **{
            f"listener.name.secured.{name}.sasl.jaas.config": f"{_SECURITY}.{module};"
            for name, module in modules.items()
        },
    }


def admin_at(authority: Authority, bootstrap: str) -> SecuredBroker:
    """The broker for the user that may do anything."""
    password = authority.passwords[ADMIN]
    return SecuredBroker(bootstrap, "SASL_SSL", "PLAIN", ADMIN, password, ca=str(authority.ca))


def make_users(broker: Broker, authority: Authority) -> None:
    """Let each login of the authority's prove itself by SCRAM too. Raises RuntimeError."""
    mechanisms = (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)
    with closing(KafkaAdminClient(**to(broker))) as admin:
        for mechanism in mechanisms:
            wanted = [
                UserScramCredentialUpsertion(name, mechanism, password, iterations=4096)
                for name, password in authority.passwords.items()
            ]
            if failed := {k: v for k, v in admin.alter_user_scram_credentials(wanted).items() if v}:
                raise RuntimeError(f"users were not made: {failed}")


def allow(broker: Broker, prefix: str = "", logins: Iterable[str] = WORKS_AS) -> None:
    """Give each user what its processes need for the topics with this prefix, and no more."""
    granted = permissions(prefix)
    grant(broker, {name: [one for process in WORKS_AS[name] for one in granted[process]] for name in logins})


def grant(broker: Broker, rights: Mapping[str, Iterable[Permission]]) -> None:
    """Give each user these rights. Raises RuntimeError."""
    wanted = [acl for user, needed in rights.items() for one in needed for acl in _acls(user, one)]
    if not wanted:
        return
    with closing(KafkaAdminClient(**to(broker))) as admin:
        if failed := admin.create_acls(wanted)["failed"]:
            raise RuntimeError(f"rights were not given: {failed}")
        # They are committed; the broker, which answers here, acts on them a moment later.
        while not set(wanted) <= set(admin.describe_acls(_ANY)[0]):
            time.sleep(0.02)


def as_user(broker: Broker, login: str) -> Broker:
    """The broker for this login, by SCRAM; an open broker as it is."""
    if isinstance(broker, str):
        return broker
    password = password_of(login)
    return SecuredBroker(broker.servers, "SASL_SSL", "SCRAM-SHA-512", login, password, ca=broker.ca)


def _acls(user: str, needed: Permission) -> list[ACL]:
    kind = ResourceType[needed.resource.upper().replace("-", "_")]
    operations = [
        _OPERATIONS.get(operation) or ACLOperation[operation.upper()] for operation in needed.operations
    ]
    return [
        ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
        for operation in operations
        for name in needed.names
    ]
