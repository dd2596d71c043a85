/**
 * The other gateways of the fleet: who lives, and what gateways tell each other. PostgreSQL says who lives ({@link
 * dev.sluice.cluster.Gateways}), Kafka carries what they tell ({@link dev.sluice.cluster.Relay}); there are no connections between gateways.
 * Start reading at {@link dev.sluice.cluster.RelayMessage}.
 */
package dev.sluice.cluster;
