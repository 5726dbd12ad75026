"""The bookings: each movement of money in lines that add up to nothing. They know no cause."""
