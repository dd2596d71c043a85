package dev.sluice.admin;

import java.util.Arrays;
import java.util.List;

/** The version that a request has seen, so that it changes no other: the header If-Match. Immutable. */
final class Precondition {
    private static final int FAILED = 412;

    private final String header;

    private Precondition(String header) {
        this.header = header;
    }

    /** @param header null for none: then anything goes */
    static Precondition of(String header) {
        return new Precondition(header);
    }

    static String tag(Object version) {
        return "\"" + version + "\"";
    }

    /**
     * @param tag what there is, null for nothing
     * @throws Problem when it is not what the request has seen
     */
    void require(String what, String tag) {
        if (header == null) return;
        var seen = Arrays.stream(header.split(",")).map(String::strip).toList();
        if (tag != null && (seen.equals(List.of("*")) || seen.contains(tag))) return;
        throw Problem.of(
                FAILED,
                tag == null
                        ? "there is no " + what + ", but If-Match says that there was"
                        : what + " is " + tag + ", not " + header
                                + ": somebody has changed it. Read it again, and decide again");
    }
}
