"""Razorpay's Checkout.js, played: at an address that never changes, for pages of any origin."""

from importlib.resources import files

from litestar import Response, get


@get("/sandbox/razorpay/checkout.js", sync_to_thread=False)
def checkout_script() -> Response[bytes]:
    """Return the script."""
    script = files("tillgate_sandbox.pages").joinpath("static", "checkout.js")
    return Response(
        script.read_bytes(),
        media_type="text/javascript",
        headers={"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-cache"},
    )
