package dev.sluice.admin;

import io.vertx.core.http.HttpServerRequest;

/** Names the person or program that made a change. Stateless. */
final class Actor {
    static final String HEADER = "X-Sluice-Actor";
    static final String MEANING =
            "Who a change is put down to in the audit, at most 256 characters; the address of the caller without one";
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
