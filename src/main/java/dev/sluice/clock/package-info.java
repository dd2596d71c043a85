/**
 * When to do something: a thread that repeats its work, the pause before the next attempt, a log line at most once a minute, and the last lines of
 * the log before the process ends.
 *
 * <p>The ground floor: every package except the pure ones may import it, and it imports none. Start reading at {@link
 * dev.sluice.clock.Repeating}.
 */
package dev.sluice.clock;
