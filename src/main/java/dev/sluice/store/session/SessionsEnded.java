package dev.sluice.store.session;

import java.util.List;

/** The CDI event that sessions expired: their subscriptions and queues are gone. Fired on the thread that sweeps, after the commit. */
public record SessionsEnded(List<String> clientIds) {}
