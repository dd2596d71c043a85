/**
 * The REST API: reads and changes routes while the gateway runs, tries a message, and finds likely mistakes.
 *
 * <p><b>Owns</b> no state; the routes are in PostgreSQL, and in force by {@link dev.sluice.uplink.route.LiveRoutes}.
 *
 * <p><b>Threads.</b> {@link dev.sluice.admin.Access} decides on the event loop who may ask; each request then runs on a virtual thread of its
 * own, and may block. Each resource says by an annotation ({@link dev.sluice.admin.Reads}, {@link dev.sluice.admin.Operates}, {@link
 * dev.sluice.admin.Administers}) which {@link dev.sluice.admin.Role} it needs.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.admin.RouteResource}; {@link dev.sluice.admin.RouteChecks} has the questions that change nothing.
 */
package dev.sluice.admin;
