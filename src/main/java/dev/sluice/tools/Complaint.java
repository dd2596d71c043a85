package dev.sluice.tools;

/** Something that who started the process has to put right, in one sentence for the terminal; it is printed, and the exit status is 1. */
public final class Complaint extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Complaint(String sentence) {
        super(sentence);
    }

    public Complaint(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
