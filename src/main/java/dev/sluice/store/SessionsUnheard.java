package dev.sluice.store;

/**
 * The CDI event that sessions may have been deleted without a {@link SessionsEnded}, as nobody listened for a while. Fired on the thread that
 * listens, once it does so again.
 */
public record SessionsUnheard() {}
