import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;

/** Exercise 04.1: what to do about the offline partition of TOPIC: `start N` or `impossible`. */
public class Starter {
    public static void main(String[] arguments) throws Exception {
        var topic = System.getenv("TOPIC");
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        try (var admin = Admin.create(settings)) {
            var told = admin.describeTopics(List.of(topic)).allTopicNames().get();
            var partition = told.get(topic).partitions().get(0);
            System.out.println("start " + partition.replicas().get(0).id());
        }
    }
}
