//! Variables of the environment, by allow-list.
