//! Every point of every scenario goes wrong once.
