package dev.sluice.admin;

import io.vertx.core.http.HttpServerRequest;

/** Names the person or program that a change is recorded under. Stateless. */
final class Actor {
    static final String HEADER = "X-Sluice-Actor";
    static final String MEANING =
            "Who made the change, for the audit; at most 256 characters. Without it, the address of the caller";
    private static final int LONGEST = 256;
    private static final int BAD_REQUEST = 400;

    private Actor() {}

    /** @param given null for none */
    static String of(String given, HttpServerRequest request) {
        if (given == null || given.isBlank()) return request.remoteAddress().hostAddress();
        if (given.length() > LONGEST)
            throw Problem.of(BAD_REQUEST, HEADER + " has " + given.length() + " characters, more than " + LONGEST);
        return given.strip();
    }
}
