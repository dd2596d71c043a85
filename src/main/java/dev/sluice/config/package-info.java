/**
 * The keys that an operator can set, as interfaces that Quarkus fills, and the order in which parts start and stop. Every package may
 * import this one.
 *
 * <p><b>Owns</b> names, units, defaults and bounds of all keys {@code sluice.*}. A test holds the tables of the documentation against it.
 *
 * <p><b>Threads.</b> Read once at the start; any thread may read.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.config.MqttConfig}; {@link dev.sluice.config.StartOrder} says who needs whom.
 */
package dev.sluice.config;
