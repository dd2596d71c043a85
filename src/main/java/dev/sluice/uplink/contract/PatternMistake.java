package dev.sluice.uplink.contract;

/** A regular expression that cannot be used; the message is the end of a sentence about it. */
final class PatternMistake extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    PatternMistake(String message) {
        super(message);
    }
}
