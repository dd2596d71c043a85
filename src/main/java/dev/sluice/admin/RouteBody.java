package dev.sluice.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sluice.uplink.route.RouteJson;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Takes apart a document that holds routes by name. Stateless. */
final class RouteBody {
    private static final int UNPROCESSABLE = 422;
    private static final String ROUTES = "routes";

    private RouteBody() {}

    /** The routes below {@code routes}, each as it was written. */
    static SortedMap<String, String> set(JsonNode json) {
        json.fieldNames().forEachRemaining(field -> {
            if (!field.equals(ROUTES))
                refuse("/" + RouteJson.escape(field), "is not a field of this; the one field is routes");
        });
        return routes(json.path(ROUTES));
    }

    static SortedMap<String, String> routes(JsonNode json) {
        if (!json.isObject()) refuse("/" + ROUTES, "must be an object of routes by name");
        var specs = new TreeMap<String, String>();
        json.properties()
                .forEach(route -> specs.put(route.getKey(), route.getValue().toString()));
        return specs;
    }

    private static void refuse(String pointer, String sentence) {
        throw Problem.of(
                UNPROCESSABLE, "this is not a set of routes", List.of(new Problem.Mistake(pointer, null, sentence)));
    }
}
