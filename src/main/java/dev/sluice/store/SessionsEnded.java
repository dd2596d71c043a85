package dev.sluice.store;

import java.util.List;

/**
 * The CDI event that sessions have ended without their connections' doing: they expired, or an operator has deleted them. Their
 * subscriptions and queues are gone. Fired after the commit, on the thread that sweeps or listens.
 *
 * @param isToldToAll whether every gateway is told; else this one alone knows
 */
public record SessionsEnded(List<EndedSession> sessions, boolean isToldToAll) {
    /** @param id identity of the session: another one of the same client is not meant */
    public record EndedSession(String clientId, long id) {}

    public SessionsEnded {
        sessions = List.copyOf(sessions);
    }
}
