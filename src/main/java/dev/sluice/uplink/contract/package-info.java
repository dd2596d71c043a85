/**
 * Contracts of routes: JSON Schemas, and the check of a payload, which ends in bounded time and memory whatever the payload holds.
 *
 * <p><b>Owns</b> what the library of JSON Schema does not bound by itself: patterns, numbers, equality, depth and time.
 *
 * <p><b>Threads.</b> A contract is immutable. A check runs on the thread that asks for it: on an event loop only with
 * {@link dev.sluice.uplink.contract.Effort#BRIEF}.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.uplink.contract.Contract#breach}.
 */
package dev.sluice.uplink.contract;
