import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exercise 02.3: each line, `NUMBER FLIGHT`, to TOPIC; the numbers of those that are refused. */
public class Starter {
    public static void main(String[] arguments) throws Exception {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());

        var input = new BufferedReader(new InputStreamReader(System.in));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var number = line.split(" ")[0];
            try {
                producer.send(new ProducerRecord<>(System.getenv("TOPIC"), line.strip()))
                        .get(60, TimeUnit.SECONDS);
            } catch (ExecutionException | TimeoutException error) {
                System.out.println(number);
            }
        }
    }
}
