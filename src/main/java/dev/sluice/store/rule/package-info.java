/**
 * Rules in PostgreSQL: the set that lies over the rules file's, its version and its history.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads. {@link dev.sluice.store.route.RouteListener} tells of changes.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.rule.RuleStore#change}.
 */
package dev.sluice.store.rule;
