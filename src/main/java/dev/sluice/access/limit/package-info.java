/**
 * How much a client may take: rates, counts, who shares them, and for how long who has taken too much has to wait. It knows neither clocks nor
 * packets: whoever asks brings the time.
 *
 * <p><b>Threads.</b> Shares are used by all event loops at once, without a lock on the way of a message.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.access.limit.LimitPlan}.
 */
package dev.sluice.access.limit;
