import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;

/** Exercise 04.3: make the preferred leaders of TOPIC's partitions lead again. */
public class Starter {
    public static void main(String[] arguments) throws Exception {
        var topic = System.getenv("TOPIC");
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        try (var admin = Admin.create(settings)) {
            var told = admin.describeTopics(List.of(topic)).allTopicNames().get();
            var partitions =
                    told.get(topic).partitions().stream()
                            .map(partition -> new TopicPartition(topic, partition.partition()))
                            .collect(Collectors.toSet());
            admin.electLeaders(ElectionType.PREFERRED, partitions).all().get();
        }
    }
}
