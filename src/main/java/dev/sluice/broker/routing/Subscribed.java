package dev.sluice.broker.routing;

/** What a Topic Filter leads to: one client's subscription, or a Shared Subscription with all its members. Any thread may read it. */
sealed interface Subscribed permits LiveSubscription, ShareGroup {}
