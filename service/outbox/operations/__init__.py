"""Write messages, dispatch them to their subscribers, deliver them, and show how they stand."""
