"""The table, who may reach a bucket, by policy, ACL, website and replication."""

from __future__ import annotations

from piiscan.posture.read import CLOUDFRONT_LOGS
from tests.posture.words import (
    AGREE,
    ANY_ACCOUNT,
    BLOCK_ON,
    DISTRIBUTION,
    ENDPOINT,
    EVERYONE,
    LOG_DELIVERY,
    LOGS_COME,
    NO_BLOCK,
    OPEN,
    OTHER,
    OTHER_ORG,
    OWN,
    OWN_ORG,
    PARTNER,
    PARTNER_ORG,
    PUBLIC_ACL,
    PUBLIC_POLICY,
    SHARED,
    SOMEBODY,
    TLS,
    VERSIONS_FAIL,
    Case,
    account,
    block,
    policy,
    replica,
    statement,
    where,
)

CASES = (
    Case("plain"),
    Case("logs", {"acl": LOGS_COME}),
    # Block public access
    Case("block-all", {"block": block()}, passes=BLOCK_ON),
    Case("block-no-restrict", {"block": block("RestrictPublicBuckets")}, passes="block_public_access_disabled"),
    Case(
        "block-acls-only",
        {"block": block("BlockPublicPolicy", "RestrictPublicBuckets")},
        passes="block_public_access_disabled",
    ),
    Case("block-all-off", {"block": block(*NO_BLOCK)}),
    # Public by policy
    Case("policy-everyone", {"policy": policy(OPEN)}, PUBLIC_POLICY, AGREE),
    Case("policy-everyone-aws", {"policy": policy(statement({"AWS": "*"}))}, PUBLIC_POLICY, AGREE),
    Case("policy-everyone-lists", {"policy": policy(statement("*", "s3:ListBucket"))}, PUBLIC_POLICY, AGREE),
    Case(
        "policy-everyone-writes",
        {"policy": policy(statement("*", "s3:PutObject"))},
        f"{PUBLIC_POLICY} public_write",
        AGREE,
    ),
    Case("policy-everyone-all", {"policy": policy(statement("*", "s3:*"))}, f"{PUBLIC_POLICY} public_write", AGREE),
    Case("policy-everyone-restricted", {"policy": policy(OPEN), "block": block()}, passes=f"{AGREE} {BLOCK_ON}"),
    Case(
        "policy-everyone-only-acls-blocked",
        {"policy": policy(OPEN), "block": block("RestrictPublicBuckets")},
        PUBLIC_POLICY,
        f"{AGREE} block_public_access_disabled",
    ),
    Case("policy-everyone-tls", {"policy": policy(OPEN, TLS)}, PUBLIC_POLICY, f"{AGREE} tls_not_required"),
    Case(
        "policy-any-address",
        {"policy": policy(statement("*", **where("IpAddress", "aws:SourceIp", "0.0.0.0/0")))},
        f"{PUBLIC_POLICY} {AGREE}",
    ),
    # Where S3 does not call it public, RestrictPublicBuckets does not mean it.
    Case(
        "policy-any-address-blocked",
        {"policy": policy(statement("*", **where("IpAddress", "aws:SourceIp", "0.0.0.0/0"))), "block": block()},
        f"{PUBLIC_POLICY} {AGREE}",
        BLOCK_ON,
    ),
    Case(
        "policy-denied-again",
        {"policy": policy(OPEN, statement("*", "s3:*", "Deny"))},
        PUBLIC_POLICY,
        f"{AGREE} tls_not_required",
    ),
    Case("policy-only-tls", {"policy": policy(TLS)}, passes=f"{AGREE} tls_not_required"),
    Case(
        "policy-tls-half",
        {"policy": policy(statement("*", "s3:GetObject", "Deny", **where("Bool", "aws:SecureTransport", "false")))},
        passes=AGREE,
    ),
    # Networks
    Case(
        "policy-office",
        {"policy": policy(statement("*", **where("IpAddress", "aws:SourceIp", "203.0.113.0/24")))},
        "shared_with_networks",
        AGREE,
    ),
    Case(
        "policy-vpc-endpoint",
        {"policy": policy(statement("*", **where("StringEquals", "aws:SourceVpce", ENDPOINT)))},
        "shared_with_networks",
        AGREE,
    ),
    Case(
        "policy-office-writes",
        {"policy": policy(statement("*", "s3:PutObject", **where("IpAddress", "aws:SourceIp", "203.0.113.0/24")))},
        "shared_with_networks cross_account_write",
        AGREE,
    ),
    # Accounts and organisations
    Case("policy-own-account", {"policy": policy(statement(account(OWN)))}, passes=AGREE),
    Case(
        "policy-own-role",
        {"policy": policy(statement({"AWS": f"arn:aws:iam::{OWN}:role/reader"}, "s3:*"))},
        passes=AGREE,
    ),
    Case("policy-other-account", {"policy": policy(statement(account(OTHER)))}, SHARED, AGREE),
    Case("policy-other-number", {"policy": policy(statement({"AWS": OTHER}))}, SHARED, AGREE),
    Case(
        "policy-other-role", {"policy": policy(statement({"AWS": f"arn:aws:iam::{OTHER}:role/reader"}))}, SHARED, AGREE
    ),
    Case("policy-two-others", {"policy": policy(statement({"AWS": [OTHER, "222233334444"]}))}, SHARED, AGREE),
    Case(
        "policy-other-writes",
        {"policy": policy(statement(account(OTHER), "s3:PutObject"))},
        f"{SHARED} cross_account_write",
        AGREE,
    ),
    Case(
        "policy-other-deletes",
        {"policy": policy(statement(account(OTHER), "s3:DeleteObject"))},
        f"{SHARED} cross_account_write",
        AGREE,
    ),
    Case(
        "policy-other-manages",
        {"policy": policy(statement(account(OTHER), "s3:PutBucketPolicy"))},
        f"{SHARED} cross_account_write",
        AGREE,
    ),
    Case(
        "policy-other-denied",
        {"policy": policy(statement(account(OTHER)), statement(account(OTHER), "s3:*", "Deny"))},
        passes=AGREE,
    ),
    Case("policy-partner", {"policy": policy(statement(account(PARTNER), "s3:*"))}, passes=AGREE),
    Case(
        "policy-own-organisation",
        {"policy": policy(statement("*", **where("StringEquals", "aws:PrincipalOrgID", OWN_ORG)))},
        passes=AGREE,
    ),
    Case(
        "policy-other-organisation",
        {"policy": policy(statement("*", **where("StringEquals", "aws:PrincipalOrgID", OTHER_ORG)))},
        "bucket_shared_externally shared_with_organisations",
        AGREE,
    ),
    Case(
        "policy-other-organisation-writes",
        {"policy": policy(statement("*", "s3:PutObject", **where("StringEquals", "aws:PrincipalOrgID", OTHER_ORG)))},
        "bucket_shared_externally shared_with_organisations cross_account_write",
        AGREE,
    ),
    Case(
        "policy-partner-organisation",
        {"policy": policy(statement("*", **where("StringEquals", "aws:PrincipalOrgID", PARTNER_ORG)))},
        passes=AGREE,
    ),
    Case(
        "policy-public-and-other-restricted",
        {"policy": policy(OPEN, statement(account(OTHER), "s3:PutObject")), "block": block()},
        passes=f"{AGREE} {BLOCK_ON}",
    ),
    Case(
        "policy-other-restricted",
        {"policy": policy(statement(account(OTHER))), "block": block()},
        SHARED,
        f"{AGREE} {BLOCK_ON}",
    ),
    # CloudFront
    Case(
        "cloudfront-identity",
        {
            "policy": policy(
                statement({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"})
            )
        },
        "bucket_shared_with_cloudfront",
        AGREE,
    ),
    Case(
        "cloudfront-control",
        {
            "policy": policy(
                statement(
                    {"Service": "cloudfront.amazonaws.com"}, **where("StringEquals", "AWS:SourceArn", DISTRIBUTION)
                )
            )
        },
        "bucket_shared_with_cloudfront",
        AGREE,
    ),
    Case(
        "cloudfront-of-ours",
        {
            "policy": policy(
                statement(
                    {"Service": "cloudfront.amazonaws.com"},
                    **where("StringEquals", "AWS:SourceArn", DISTRIBUTION.replace("EDFDVBD6", "EOURS")),
                )
            )
        },
        passes=AGREE,
    ),
    Case(
        "cloudfront-of-anybody",
        {"policy": policy(statement({"Service": "cloudfront.amazonaws.com"}))},
        "bucket_shared_with_cloudfront service_for_any_account",
        AGREE,
    ),
    # Services
    Case(
        "service-for-anybody",
        {"policy": policy(statement({"Service": "config.amazonaws.com"}))},
        "service_for_any_account",
        AGREE,
    ),
    Case(
        "service-for-us",
        {
            "policy": policy(
                statement({"Service": "config.amazonaws.com"}, **where("StringEquals", "aws:SourceAccount", OWN))
            )
        },
        passes=AGREE,
    ),
    # ACLs
    Case("acl-public-read", {"acl": [(EVERYONE, "READ")]}, PUBLIC_ACL),
    Case("acl-public-read-acp", {"acl": [(EVERYONE, "READ_ACP")]}, PUBLIC_ACL),
    Case("acl-public-write", {"acl": [(EVERYONE, "WRITE")]}, f"{PUBLIC_ACL} public_write"),
    Case("acl-public-write-acp", {"acl": [(EVERYONE, "WRITE_ACP")]}, f"{PUBLIC_ACL} public_write"),
    Case("acl-public-full", {"acl": [(EVERYONE, "FULL_CONTROL")]}, f"{PUBLIC_ACL} public_write"),
    Case("acl-any-account", {"acl": [(ANY_ACCOUNT, "READ")]}, PUBLIC_ACL),
    Case(
        "acl-public-ignored",
        {"acl": [(EVERYONE, "READ")], "block": block("BlockPublicPolicy", "RestrictPublicBuckets")},
        passes="block_public_access_disabled",
    ),
    Case(
        "acl-public-not-ignored",
        {"acl": [(EVERYONE, "READ")], "block": block("IgnorePublicAcls")},
        PUBLIC_ACL,
        "block_public_access_disabled",
    ),
    Case(
        "acl-public-without-effect",
        {"acl": [(EVERYONE, "FULL_CONTROL")], "ownership": "BucketOwnerEnforced"},
        passes="acls_enabled",
    ),
    Case("acl-log-delivery", {"acl": [(LOG_DELIVERY, "WRITE")]}),
    Case("acl-cloudfront-logs", {"acl": [({"Type": "CanonicalUser", "ID": CLOUDFRONT_LOGS}, "FULL_CONTROL")]}),
    Case("acl-somebody", {"acl": [(SOMEBODY, "READ")]}, SHARED),
    Case("acl-somebody-writes", {"acl": [(SOMEBODY, "WRITE")]}, f"{SHARED} cross_account_write"),
    Case(
        "acl-somebody-without-effect",
        {"acl": [(SOMEBODY, "WRITE")], "ownership": "BucketOwnerEnforced"},
        passes="acls_enabled",
    ),
    Case(
        "acl-and-policy", {"acl": [(EVERYONE, "READ")], "policy": policy(OPEN)}, f"{PUBLIC_POLICY} public_by_acl", AGREE
    ),
    Case("ownership-preferred", {"ownership": "BucketOwnerPreferred"}),
    Case("ownership-enforced", {"ownership": "BucketOwnerEnforced"}, passes="acls_enabled"),
    # Websites
    Case("website-private", {"website": {"IndexDocument": {"Suffix": "index.html"}}}),
    Case(
        "website-public",
        {"website": {"IndexDocument": {"Suffix": "index.html"}}, "policy": policy(OPEN)},
        f"{PUBLIC_POLICY} public_by_website",
        AGREE,
    ),
    Case(
        "website-public-by-acl",
        {"website": {"IndexDocument": {"Suffix": "index.html"}}, "acl": [(EVERYONE, "READ")]},
        f"{PUBLIC_ACL} public_by_website",
    ),
    Case(
        "website-redirects",
        {"website": {"RedirectAllRequestsTo": {"HostName": "example.com"}}, "policy": policy(OPEN)},
        PUBLIC_POLICY,
        AGREE,
    ),
    # Replication (it wants versions)
    Case(
        "replicated-inside",
        {"versioning": "Enabled", "replication": replica("logs")},
        VERSIONS_FAIL,
        "versioning_off bucket_replicated_externally",
    ),
    Case(
        "replicated-own-account",
        {"versioning": "Enabled", "replication": replica("logs", OWN)},
        VERSIONS_FAIL,
        "versioning_off bucket_replicated_externally",
    ),
    Case(
        "replicated-to-other",
        {"versioning": "Enabled", "replication": replica("logs", OTHER)},
        f"{VERSIONS_FAIL} bucket_replicated_externally",
        "versioning_off",
    ),
    Case(
        "replicated-to-partner",
        {"versioning": "Enabled", "replication": replica("partners-copy", PARTNER)},
        VERSIONS_FAIL,
        "versioning_off bucket_replicated_externally",
    ),
    Case(
        "replicated-to-unknown-bucket",
        {"versioning": "Enabled", "replication": replica("not-one-of-ours")},
        f"{VERSIONS_FAIL} bucket_replicated_externally",
        "versioning_off",
    ),
    Case(
        "replicated-no-more",
        {"versioning": "Enabled", "replication": replica("logs", OTHER, "Disabled")},
        VERSIONS_FAIL,
        "versioning_off bucket_replicated_externally",
    ),
)
