/**
 * Who may publish, subscribe and receive what: rules, how they are read and checked, and what they decide. Knows nothing of connections.
 *
 * <p>One sentence says it: highest priority first, deny before allow, and what no rule names is denied.
 *
 * <p><b>Threads.</b> Everything is immutable and may be used from any thread, except {@link dev.sluice.access.rule.CachedRights}.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.access.rule.Rights}.
 */
package dev.sluice.access.rule;
