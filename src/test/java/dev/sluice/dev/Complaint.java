package dev.sluice.dev;

/** Something the developer has to put right, in one sentence for the terminal; the launcher prints it and exits with status 1. */
public final class Complaint extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Complaint(String sentence) {
        super(sentence);
    }

    public Complaint(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
