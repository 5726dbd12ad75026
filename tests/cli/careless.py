"""What a careless operator sets in production: variables, which of them is refused, and how."""

from tests.cli.test_production import PHONEPE, READY

_REDIS = "redis.shop.example:6379/0"
_DRAWN = "Yq4Lw8sV2nXr6Tb0"
RAZORPAY: dict[str, str | None] = {
    "RAZORPAY_KEY_ID": "rzp_live_1DP5mmOlF5G5ag",
    "RAZORPAY_KEY_SECRET": "Wk3P0qW8sLm2Vx7Rqq",
    "RAZORPAY_WEBHOOK_SECRET": "Jq4Lw8sV2nXr6Tb0Pz",
}
_PHONEPE: dict[str, str | None] = {
    **PHONEPE,
    "PHONEPE_CLIENT_SECRET": "Ck9P0qW8sLm2Vx7Rqq",
    "PHONEPE_WEBHOOK_PASSWORD": "Hq4Lw8sV",
}
_SANDBOX = "https://api-preprod.phonepe.com/apis/pg-sandbox"
_EVERYBODY = ",".join(f"{number}.0.0.0/8" for number in range(0, 256, 2))

CARELESS: list[tuple[dict[str, str | None], str, str]] = [
    # Test mode: anybody pays with a test card.
    ({"STRIPE_SECRET_KEY": f"sk_test_{_DRAWN}"}, "STRIPE_SECRET_KEY", "TEST_MODE_PROVIDERS"),
    ({"STRIPE_SECRET_KEY": f"rk_test_{_DRAWN}"}, "STRIPE_SECRET_KEY", "TEST_MODE_PROVIDERS"),
    (RAZORPAY | {"RAZORPAY_KEY_ID": "rzp_test_1"}, "RAZORPAY_KEY_ID", "TEST_MODE_PROVIDERS"),
    (_PHONEPE | {"PHONEPE_API_BASE": _SANDBOX}, "PHONEPE_API_BASE", "TEST_MODE_PROVIDERS"),
    ({"TEST_MODE_PROVIDERS": "stripe,upi"}, "TEST_MODE_PROVIDERS", "has no test mode"),
    # A text at the wrong variable.
    ({"STRIPE_SECRET_KEY": f"pk_live_{_DRAWN}"}, "STRIPE_SECRET_KEY", "begin with sk_"),
    ({"STRIPE_WEBHOOK_SECRET": f"we_{_DRAWN}"}, "STRIPE_WEBHOOK_SECRET", "begin with whsec_"),
    (RAZORPAY | {"RAZORPAY_KEY_ID": "acc_1"}, "RAZORPAY_KEY_ID", "begin with rzp_live_"),
    (
        {"UPI_PAYEE_ADDRESS": "shop", "UPI_PAYEE_NAME": "The Shop"},
        "UPI_PAYEE_ADDRESS",
        "form name@bank",
    ),
    # Secrets of others.
    ({"STRIPE_WEBHOOK_SECRET": "whsec_Zk3P0qW8sL"}, "STRIPE_WEBHOOK_SECRET", "has 10 characters"),
    (RAZORPAY | {"RAZORPAY_WEBHOOK_SECRET": "1234567890123456"}, "RAZORPAY_WEBHOOK_SECRET", "row"),
    (_PHONEPE | {"PHONEPE_WEBHOOK_PASSWORD": "12345678"}, "PHONEPE_WEBHOOK_PASSWORD", "in a row"),
    ({"MONGODB_URI": "mongodb://u:short@db.example/?tls=true"}, "MONGODB_URI", "fewer than 8"),
    ({"MONGODB_URI": "mongodb://u:11111111@db.example/?tls=true"}, "MONGODB_URI", "over and over"),
    # Redis, where whoever writes lifts the limits.
    ({"REDIS_URL": f"redis://{_REDIS}"}, "REDIS_URL", "without TLS"),
    ({"REDIS_URL": f"redis://:{_DRAWN}@{_REDIS}"}, "REDIS_URL", "without TLS"),
    ({"REDIS_URL": f"rediss://{_REDIS}"}, "REDIS_URL", "without a password"),
    ({"REDIS_URL": "redis://10.0.0.5"}, "REDIS_URL", "without TLS"),
    ({"REDIS_URL": "redis://?host=redis.example"}, "REDIS_URL", "without TLS"),
    ({"REDIS_URL": "redis://localhost:99999"}, "REDIS_URL", "takes redis://"),
    *[
        ({"REDIS_URL": f"rediss://:{_DRAWN}@{_REDIS}?{option}"}, "REDIS_URL", "could pose as")
        for option in ("ssl_cert_reqs=none", "ssl_cert_reqs=optional", "ssl_check_hostname=False")
    ],
    # Whom the service trusts.
    ({"TRUSTED_PROXIES": _EVERYBODY}, "TRUSTED_PROXIES", "is too wide"),
    ({"WEBHOOK_NETWORKS": "127.0.0.0/16"}, "WEBHOOK_NETWORKS", "this machine"),
    ({"WEBHOOK_NETWORKS": "10.0.0.0/8,169.254.0.0/17"}, "WEBHOOK_NETWORKS", "metadata"),
    ({"WEBHOOK_NETWORKS": "10.0.0.0/7"}, "WEBHOOK_NETWORKS", "is wider than a /8"),
    ({"WEBHOOK_NETWORKS": "::/0"}, "WEBHOOK_NETWORKS", "this machine"),
    ({"TRUSTED_PROXIES": "10.0.0.0/8,44.0.0.0/8,3.0.0.0/8"}, "TRUSTED_PROXIES", "is too wide"),
    *[
        ({"JWT_JWKS_URL": address}, "JWT_JWKS_URL", "who is who")
        for address in (
            "https://127.0.0.1/keys",
            "https://localhost/keys",
            "https://10.0.0.1/keys",
            "https://2130706433/keys",
            "https://[fd00::1]/keys",
            "https://u:p@id.example/keys",
            "https://id.example@evil.example/keys",
            "http://id.example/keys",
        )
    ],
    *[
        ({"PUBLIC_URL": address}, "PUBLIC_URL", "more than an address")
        for address in (
            "https://u:p@pay.shop.example",
            "https://pay.shop.example?x=1",
            "https://pay.shop.example#f",
            "https://pay.shop.example?",
        )
    ],
    ({"CORS_ORIGINS": "https://a.example,http://shop.example"}, "CORS_ORIGINS", "origin of http"),
    ({"CORS_ORIGINS": "http://localhost:3000"}, "CORS_ORIGINS", "origin of http"),
    ({"CORS_ORIGINS": "https://"}, "CORS_ORIGINS", "takes origins"),
    ({"CORS_ORIGINS": "https://u@shop.example"}, "CORS_ORIGINS", "takes origins"),
    ({"CORS_ORIGINS": "https://shop example"}, "CORS_ORIGINS", "takes origins"),
    # Limits that are none, and times that end before what they are for.
    ({"RATE_LIMIT_PER_KEY": "600001"}, "RATE_LIMIT_PER_KEY", "set 600000 a minute at most"),
    ({"RATE_LIMIT_PER_ADDRESS": "1000000000"}, "RATE_LIMIT_PER_ADDRESS", "is no limit"),
    ({"MAX_CONNECTIONS": "100000"}, "MAX_CONNECTIONS", "1 GiB"),
    ({"PURGE_EVENTS_DAYS": "6.9"}, "PURGE_EVENTS_DAYS", "set 7 or more"),
    ({"PURGE_EXPIRED_DAYS": "0.5"}, "PURGE_EXPIRED_DAYS", "set 1 or more"),
    ({"PURGE_COMPLETED_DAYS": "0.5"}, "PURGE_COMPLETED_DAYS", "set 1 or more"),
]

ACCEPTED: list[dict[str, str | None]] = [
    {"STRIPE_SECRET_KEY": f"sk_test_{_DRAWN}", "TEST_MODE_PROVIDERS": "stripe"},
    RAZORPAY | {"RAZORPAY_KEY_ID": "rzp_test_1", "TEST_MODE_PROVIDERS": "stripe, razorpay"},
    _PHONEPE | {"PHONEPE_API_BASE": _SANDBOX, "TEST_MODE_PROVIDERS": "phonepe"},
    RAZORPAY,
    _PHONEPE,
    {"STRIPE_SECRET_KEY": f"rk_live_{_DRAWN}"},
    {"UPI_PAYEE_ADDRESS": "shop.one@okbank", "UPI_PAYEE_NAME": "The Shop"},
    {"REDIS_URL": f"rediss://:{_DRAWN}@{_REDIS}"},
    {"REDIS_URL": f"rediss://:{_DRAWN}@{_REDIS}?ssl_cert_reqs=required"},
    {"REDIS_URL": "redis://127.0.0.1:6379"},
    {"REDIS_URL": "redis://redis:6379/0", "REDIS_PLAIN_HOSTS": "redis"},
    {"TRUSTED_PROXIES": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,104.16.0.0/13,2400:cb00::/32"},
    {"WEBHOOK_NETWORKS": "10.20.0.0/16,fd12::/16"},
    {
        "JWT_JWKS_URL": "https://id.example/realms/shop/certs",
        "JWT_ISSUER": "https://id.example",
        "JWT_AUDIENCE": "tillgate",
    },
    {"PUBLIC_URL": "https://shop.example/pay"},
    {"CORS_ORIGINS": "https://shop.example,https://shop.example:8443"},
    {"RATE_LIMIT_PER_KEY": "600000", "RATE_LIMIT_PER_ADDRESS": "600000"},
    {"MAX_CONNECTIONS": "10000"},
    {"REFUND_LIMIT": "USD:50000, inr:4000000", "REFUND_WINDOW_DAYS": "14"},
    {"PURGE_EVENTS_DAYS": "7", "PURGE_EXPIRED_DAYS": "1", "PURGE_COMPLETED_DAYS": "null"},
    {"MONGODB_URI": READY["MONGODB_URI"], "MONGODB_DATABASE": "tillgate_staging-2"},
]

UNREADABLE: list[tuple[str, str]] = [
    *[("MONGODB_DATABASE", name) for name in ("admin", "local", "config", "a b", "a.b", "$x")],
    *[("PURGE_EVENTS_DAYS", days) for days in ("inf", "nan", "1e300", "36501", "0")],
    ("PURGE_EXPIRED_DAYS", "inf"),
    ("PURGE_COMPLETED_DAYS", "1e7"),
    ("REFUND_WINDOW_DAYS", "0"),
    *[("REFUND_LIMIT", limit) for limit in ("50000", "USD:5.5", "XXL:5", "USD:1,usd:2")],
    *[
        ("PUBLIC_URL", address)
        for address in (
            "https://:443",
            "https://pay .example",
            "https://pay.example:99999",
            "https://[",
            "https://\x1b[31mx.example",
            "https://pay.example\\@evil.example",
            "ftp://u:hidden@pay.example",
        )
    ],
    ("API_SECRET_KEYS", "sk_correct horse battery staple is long"),
    ("API_ADMIN_KEYS", "\x1b[31m:ak_3c8e51d0fa6b7294e1d3a80f5b2c6947"),
    ("API_JOBS_KEYS", "jk_70b4e9a2cd158f36b09d7e41a5f2c8é3"),
]
