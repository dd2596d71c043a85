package dev.sluice.downlink;

/** A record that cannot become a PUBLISH, ever; the message is a sentence that says why. */
final class BadRecord extends Exception {
    private static final long serialVersionUID = 1L;

    BadRecord(String why) {
        super(why, null, false, false);
    }
}
