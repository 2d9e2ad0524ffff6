"""The table, how well a bucket is kept: encryption, versions, logs, lifecycle, lock, inventory, events."""

from __future__ import annotations

from tests.posture.words import (
    AGREE,
    ENCRYPTED,
    KEY_FINE,
    LOGS_COME,
    OTHER,
    OWN,
    PARTNER,
    PLAIN_FAILS,
    TLS,
    VERSIONS_FAIL,
    Case,
    block,
    but,
    inventory,
    life,
    policy,
    queue,
    sse,
)

CASES = (
    # Encryption
    Case("sse-s3", {"encryption": sse("AES256")}, passes="encryption_none"),
    Case(
        "sse-kms-of-aws",
        {"encryption": sse("aws:kms")},
        "kms_key_of_aws",
        f"{ENCRYPTED} kms_key_unusable kms_other_region",
    ),
    Case("sse-kms-fine", {"encryption": sse("aws:kms", "FINE")}, passes=f"{ENCRYPTED} {KEY_FINE}"),
    Case("sse-dsse", {"encryption": sse("aws:kms:dsse", "FINE")}, passes=f"{ENCRYPTED} {KEY_FINE}"),
    Case("sse-kms-alias", {"encryption": sse("aws:kms", "alias/fine")}, passes=f"{ENCRYPTED} {KEY_FINE}"),
    Case(
        "sse-kms-not-rotated",
        {"encryption": sse("aws:kms", "STATIC")},
        "kms_rotation_off kms_no_alias",
        f"{ENCRYPTED} {but(KEY_FINE, 'kms_rotation_off', 'kms_no_alias')}",
    ),
    Case(
        "sse-kms-open-key",
        {"encryption": sse("aws:kms", "OPEN")},
        "kms_key_policy_open kms_no_alias",
        f"{ENCRYPTED} {but(KEY_FINE, 'kms_key_policy_open', 'kms_no_alias')}",
    ),
    Case(
        "sse-kms-disabled-key",
        {"encryption": sse("aws:kms", "DISABLED")},
        "kms_key_unusable kms_no_alias",
        f"{ENCRYPTED} {but(KEY_FINE, 'kms_key_unusable', 'kms_no_alias')}",
    ),
    Case(
        "sse-kms-dying-key",
        {"encryption": sse("aws:kms", "DYING")},
        "kms_key_unusable kms_no_alias",
        f"{ENCRYPTED} {but(KEY_FINE, 'kms_key_unusable', 'kms_no_alias')}",
    ),
    Case(
        "sse-kms-other-region",
        {"encryption": sse("aws:kms", "ABROAD")},
        "kms_other_region kms_no_alias",
        f"{ENCRYPTED} {but(KEY_FINE, 'kms_other_region', 'kms_no_alias')}",
    ),
    Case(
        "sse-kms-other-account",
        {"encryption": sse("aws:kms", f"arn:aws:kms:us-east-1:{OTHER}:key/0a1b2c3d")},
        "kms_other_account kms_key_unusable",
        f"{ENCRYPTED} kms_key_of_aws kms_other_region",
    ),
    # Versions, logs, lifecycle, lock, inventory, events
    Case("versions", {"versioning": "Enabled"}, VERSIONS_FAIL, "versioning_off"),
    Case("versions-suspended", {"versioning": "Suspended"}, VERSIONS_FAIL),
    Case("versions-mfa", {"versioning": "Enabled"}, "lifecycle_old_versions", "versioning_off mfa_delete_off"),
    Case("logged", {"logging": "logs"}, passes="access_logging_off access_logs_to_itself"),
    Case(
        "logged-into-itself",
        {"acl": LOGS_COME, "logging": "logged-into-itself"},
        "access_logs_to_itself",
        "access_logging_off",
    ),
    Case(
        "life-uploads",
        {"lifecycle": [life(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7})]},
        passes="lifecycle_incomplete_uploads",
    ),
    Case(
        "life-uploads-disabled",
        {"lifecycle": [life(Status="Disabled", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7})]},
    ),
    Case(
        "life-uploads-below-a-prefix",
        {"lifecycle": [life(Filter={"Prefix": "tmp/"}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7})]},
    ),
    Case(
        "life-old-versions",
        {"versioning": "Enabled", "lifecycle": [life(NoncurrentVersionExpiration={"NoncurrentDays": 30})]},
        "mfa_delete_off",
        "versioning_off lifecycle_old_versions",
    ),
    Case(
        "life-old-versions-of-some",
        {
            "versioning": "Enabled",
            "lifecycle": [life(Filter={"Prefix": "a/"}, NoncurrentVersionExpiration={"NoncurrentDays": 30})],
        },
        VERSIONS_FAIL,
        "versioning_off",
    ),
    Case("locked", {"lock": None}, VERSIONS_FAIL, "versioning_off object_lock_off"),
    Case("locked-for-a-year", {"lock": 365}, VERSIONS_FAIL, "versioning_off object_lock_off"),
    Case("inventoried", {"inventory": inventory(True)}, passes="inventory_missing"),
    Case("inventoried-no-more", {"inventory": inventory(False)}),
    Case("events-own", {"notification": queue(OWN)}, passes="notifications_unknown_target"),
    Case("events-partner", {"notification": queue(PARTNER)}, passes="notifications_unknown_target"),
    Case("events-other", {"notification": queue(OTHER)}, "notifications_unknown_target"),
    # As it should be
    Case(
        "hardened",
        {
            "lock": 30,
            "block": block(),
            "policy": policy(TLS),
            "ownership": "BucketOwnerEnforced",
            "encryption": sse("aws:kms", "FINE"),
            "logging": "logs",
            "inventory": inventory(True),
            "lifecycle": [
                life(
                    AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7},
                    NoncurrentVersionExpiration={"NoncurrentDays": 30},
                )
            ],
        },
        "mfa_delete_off",
        f"{but(PLAIN_FAILS, 'block_public_access_account')} access_logs_to_itself {AGREE} {KEY_FINE} "
        "lifecycle_old_versions",
    ),
)
