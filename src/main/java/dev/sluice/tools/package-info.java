/**
 * The tools that come with the gateway, in its jar and its image: {@code audit} holds the records in Kafka against the promise, {@code tail}
 * prints them as they come. They run in a process of their own, on its main thread, without the gateway. Start reading at
 * {@link dev.sluice.tools.Main}, and for the promise at {@link dev.sluice.tools.RecordAudit}.
 */
package dev.sluice.tools;
