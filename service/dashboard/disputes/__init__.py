"""The pages of disputes, with the evidence about each."""
