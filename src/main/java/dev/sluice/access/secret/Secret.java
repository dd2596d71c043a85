package dev.sluice.access.secret;

/** A hashed secret. Immutable; any thread may use it. */
public interface Secret {
    /** Computes as long as its scheme takes, whatever the password is; {@code password} is not kept. */
    boolean matches(byte[] password);

    /** As PostgreSQL keeps it. */
    String text();

    /** What a check costs: secrets with the same scheme and the same parameters take equally long. */
    String cost();
}
