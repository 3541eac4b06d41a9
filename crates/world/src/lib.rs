//! A small simulated world with an event clock: machines, groups, masters, media servers, rooms.
