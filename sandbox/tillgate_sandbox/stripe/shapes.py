"""What Stripe's objects always have, and the sandbox has nothing to say about: null or empty.

The fields of API version 2026-10-28.endive that are not optional in Stripe's own libraries.
"""

from collections.abc import Mapping

from service.core.strict_json import JsonObject, JsonValue


def complete(found: JsonObject) -> JsonObject:
    """Return an object with every field that its kind always has."""
    return found | {
        name: value for name, value in _ALWAYS[str(found["object"])].items() if name not in found
    }


def _null(names: str) -> dict[str, JsonValue]:
    return dict.fromkeys(names.split())


_NO_TAX: JsonObject = {"enabled": False, "liability": None, "provider": None, "status": None}

_ALWAYS: Mapping[str, JsonObject] = {
    "checkout.session": {
        **_null(
            """adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types
            billing_address_collection client_secret collected_information consent
            consent_collection currency_conversion customer_account customer_creation
            integration_identifier invoice_creation locale managed_payments origin_context
            payment_link payment_method_collection payment_method_configuration_details
            payment_method_options permissions recovered_from saved_payment_method_options
            setup_intent shipping_address_collection shipping_cost submit_type wallet_options"""
        ),
        "automatic_tax": _NO_TAX,
        "custom_fields": [],
        "custom_text": _null(
            "after_submit shipping_address submit terms_of_service_acceptance"  # what it may say
        ),
        "discounts": [],
        "livemode": False,
        "shipping_options": [],
    },
    "payment_intent": {
        **_null(
            """allowed_payment_method_types application application_fee_amount
            automatic_payment_methods canceled_at cancellation_reason customer_account description
            excluded_payment_method_types managed_payments next_action on_behalf_of payment_method
            payment_method_configuration_details payment_method_options payment_record processing
            receipt_email review setup_future_usage shipping source statement_descriptor
            statement_descriptor_suffix transfer_data transfer_group"""
        ),
        "amount_details": {"tip": {}},
        "confirmation_method": "automatic",
        "livemode": False,
    },
    "charge": {
        **_null(
            """application application_fee application_fee_amount balance_transaction
            calculated_statement_descriptor description failure_balance_transaction failure_code
            failure_message on_behalf_of payment_method payment_method_details receipt_email
            receipt_number receipt_url review shipping source source_transfer statement_descriptor
            statement_descriptor_suffix transfer_data transfer_group"""
        ),
        "fraud_details": {},
        "livemode": False,
    },
    "refund": _null(
        """balance_transaction customer customer_account payment_method receipt_number
        source_transfer_reversal transfer_reversal"""
    ),
    "dispute": {
        "enhanced_eligibility_types": [],
        "evidence": {
            **_null(
                """access_activity_log billing_address cancellation_policy
                cancellation_policy_disclosure cancellation_rebuttal customer_communication
                customer_email_address customer_name customer_purchase_ip customer_signature
                duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id
                product_description receipt refund_policy refund_policy_disclosure
                refund_refusal_explanation service_date service_documentation shipping_address
                shipping_carrier shipping_date shipping_documentation shipping_tracking_number
                uncategorized_file uncategorized_text"""
            ),
            "enhanced_evidence": {},
        },
        "intended_submission_method": None,
        "livemode": False,
        "metadata": {},
    },
    "balance_transaction": {
        "balance_type": "payments",
        "description": None,
        "exchange_rate": None,
        "fee_details": [],
        "source": None,
        "status": "available",
    },
    "customer": {
        **_null("address currency default_source description email name phone shipping"),
        "balance": 0,
        "created": 0,
        "delinquent": False,
        "invoice_prefix": None,
        "invoice_settings": _null("custom_fields default_payment_method footer rendering_options"),
        "livemode": False,
        "metadata": {},
        "preferred_locales": [],
        "tax_exempt": "none",
        "test_clock": None,
    },
    "subscription": {
        **_null(
            """application application_fee_percent billing_cycle_anchor_config billing_thresholds
            customer_account days_until_due default_payment_method default_source description
            managed_payments next_pending_invoice_item_invoice on_behalf_of pause_collection
            payment_settings pending_invoice_item_interval pending_setup_intent pending_update
            schedule test_clock transfer_data trial_settings"""
        ),
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_mode": {"flexible": None, "type": "classic"},
        "billing_schedules": [],
        "collection_method": "charge_automatically",
        "discounts": [],
        "invoice_settings": {
            **_null("account_tax_ids custom_fields description footer"),
            "issuer": {"type": "self"},
        },
        "livemode": False,
    },
    "subscription_item": {
        "billing_thresholds": None,
        "current_trial": None,
        "discounts": [],
        "metadata": {},
        "tax_rates": [],
    },
    "invoice": {
        **_null(
            """account_country account_name account_tax_ids application automatically_finalizes_at
            custom_fields customer_account customer_address customer_name customer_phone
            customer_shipping customer_tax_exempt default_payment_method default_source description
            due_date ending_balance footer from_invoice last_finalization_error latest_revision
            number on_behalf_of receipt_number rendering shipping_cost shipping_details
            statement_descriptor subtotal_excluding_tax test_clock total_excluding_tax
            webhooks_delivered_at"""
        ),
        "amount_overpaid": 0,
        "amount_shipping": 0,
        "automatic_tax": _NO_TAX | {"disabled_reason": None},
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "livemode": False,
        "metadata": {},
        "payment_settings": _null("default_mandate payment_method_options payment_method_types"),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    },
}
