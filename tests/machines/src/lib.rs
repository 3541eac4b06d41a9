//! Real systemd machines in network namespaces, for the tests.
