/**
 * Topic Names and Topic Filters, and which filters match a name.
 *
 * <p><b>Owns</b> the syntax of both, {@code $share} and {@code $SYS} included (section 4.7 and 4.8.2 of the standard).
 *
 * <p><b>Threads.</b> Names and filters are immutable. Any thread may read and change the index; readers never wait.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.topic.TopicFilter}; {@link dev.sluice.topic.SubscriptionIndex} finds the filters that match
 * without trying each.
 */
package dev.sluice.topic;
